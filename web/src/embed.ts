/** The page inside another one: as high as it needs to be, and with links that stay in it. */

/** Keep the frame around the page as high as `content`, where the frame may be touched. Returns what ends it. */
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

/** The still picture beside the frame has done its part once the page is drawn. */
function replaceStill(frame: HTMLElement) {
  const still = frame.previousElementSibling as HTMLElement | null;
  if (still?.classList.contains("loadstore-still")) still.style.display = "none";
}

/** The element that the page stands in; another origin's cannot be had. */
function ownFrame(): HTMLElement | null {
  try {
    return window.frameElement as HTMLElement | null;
  } catch {
    return null;
  }
}

/** What a height must have besides the content, where it counts the frame's borders and padding. */
function borders(frame: HTMLElement): number {
  const style = frame.ownerDocument.defaultView?.getComputedStyle(frame);
  if (style?.boxSizing !== "border-box") return 0;
  return [style.borderTopWidth, style.borderBottomWidth, style.paddingTop, style.paddingBottom].reduce((sum, part) => sum + parseFloat(part), 0);
}

/** In `srcdoc`, `#figure-2` would be a place in the page around: go to the place in this one. */
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
