import { render } from "preact";
import { apiUrl } from "../api.ts";
import { Root } from "../components/root.tsx";
import "../styles/all.ts";
import "../styles/admin.css";
import { AdminPage } from "./components/admin-page.tsx";

const root = document.getElementById("root");
if (root) render(<Root url={apiUrl(document.baseURI)} takes="admin" Page={AdminPage} />, root);
