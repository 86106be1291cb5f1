/** Where the pointer is. */

/** In a picture that is `width` wide in its own units, whatever size it is shown at: right of its left edge, below its top. */
export function pointed(event: MouseEvent, width: number): [number, number] {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const scale = width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}
