/** The explorer's page: it requests everything from the server that sent it. */
import { render } from "preact";
import { isolateText } from "./bidi";
import { Shell } from "./explorer/shell";
import { Guard } from "./guard";
import "./styles/explorer.css";

isolateText();
const root = document.getElementById("loadstore");
if (root) {
  render(
    <Guard what="page">
      <Shell />
    </Guard>,
    root,
  );
}
