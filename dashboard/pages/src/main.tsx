import { render } from "preact";
import { apiUrl } from "./api.ts";
import { Root } from "./components/root.tsx";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/chrome.css";
import "./styles/board.css";
import "./styles/overlays.css";
import "./styles/media.css";

const root = document.getElementById("root");
if (root) render(<Root url={apiUrl(document.baseURI)} />, root);
