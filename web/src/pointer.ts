/** The position of the pointer. */

/** In the units of a picture that is `width` wide, at any displayed size: from its left edge and from its top. */
export function pointed(event: MouseEvent, width: number): [number, number] {
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const scale = width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}
