/** The explorer's page: everything in it is asked of the server that it came from. */
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
