/** Reads the document that the page carries and draws it. */
import { render } from "preact";
import { isolateText } from "./bidi";
import { stayHere } from "./embed";
import { Guard, Notice } from "./guard";
import type { Page } from "./model";
import { PageBody } from "./page";
import "./styles/index.css";

function document_(): Page | null {
  try {
    return JSON.parse(document.getElementById("loadstore-data")?.textContent ?? "") as Page;
  } catch {
    return null;
  }
}

const root = document.getElementById("loadstore");
const page = document_();
stayHere();
isolateText();
if (root) {
  render(
    page ? (
      <Guard what="page">
        <PageBody page={page} />
      </Guard>
    ) : (
      <Notice>This page carries no readable data.</Notice>
    ),
    root,
  );
}
