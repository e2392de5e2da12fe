import { render } from "preact";
import { apiUrl } from "./api.ts";
import { Root } from "./components/root.tsx";
import { Workspace } from "./components/workspace.tsx";
import "./styles/all.ts";

const root = document.getElementById("root");
if (root) render(<Root url={apiUrl(document.baseURI)} takes="read" Page={Workspace} />, root);
