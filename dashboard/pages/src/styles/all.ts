/** The styles that all pages share, in the order in which they overrule each other. */
import "uplot/dist/uPlot.min.css";
import "./base.css";
import "./chrome.css";
import "./board.css";
import "./insights.css";
import "./overlays.css";
import "./media.css";
