/** Files created in the page, without a server. */

/** Offer a text, in pieces, as a download. */
export function save(name: string, type: string, pieces: string[]): void {
  offer(name, new Blob(pieces, { type: `${type};charset=utf-8` }));
}

/** Offer a file as a download. */
export function offer(name: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
