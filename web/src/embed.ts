/** The page inside a frame: the frame fits its height, and its links stay inside. */

/** Keep the frame as high as `content`, if the page may access the frame. Returns a function that stops this. */
export function fitFrame(content: HTMLElement | null): (() => void) | undefined {
  const frame = ownFrame();
  if (!frame || !content) return undefined;
  document.documentElement.classList.add("framed");
  replaceStill(frame);
  let set = 0;
  const fit = () => {
    const height = Math.ceil(content.getBoundingClientRect().height);
    if (height === 0 || Math.abs(height - set) < 1) return;
    set = height;
    frame.style.height = `${height + borders(frame)}px`;
  };
  const observer = new ResizeObserver(fit);
  observer.observe(content);
  fit();
  return () => observer.disconnect();
}

/** Hide the static picture beside the frame once the page is drawn. */
function replaceStill(frame: HTMLElement) {
  const still = frame.previousElementSibling as HTMLElement | null;
  if (still?.classList.contains("loadstore-still")) still.style.display = "none";
}

/** The frame element of the page; null if it belongs to another origin. */
function ownFrame(): HTMLElement | null {
  try {
    return window.frameElement as HTMLElement | null;
  } catch {
    return null;
  }
}

/** The extra height of the frame's borders and padding, if its height includes them. */
function borders(frame: HTMLElement): number {
  const style = frame.ownerDocument.defaultView?.getComputedStyle(frame);
  if (style?.boxSizing !== "border-box") return 0;
  return [style.borderTopWidth, style.borderBottomWidth, style.paddingTop, style.paddingBottom].reduce((sum, part) => sum + parseFloat(part), 0);
}

/** In `srcdoc`, `#figure-2` refers to the outer page: scroll within this page instead. */
export function stayHere(): void {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a[href^='#']");
    if (!link || !elsewhere()) return;
    event.preventDefault();
    show(link.getAttribute("href") ?? "");
  });
}

/** Scroll to the element that `#its-id` names, and focus it. */
export function show(reference: string): void {
  const place = document.getElementById(decodeURIComponent(reference.slice(1)));
  if (!place) return;
  place.scrollIntoView();
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
}

function elsewhere(): boolean {
  return document.baseURI.split("#")[0] !== location.href.split("#")[0];
}
