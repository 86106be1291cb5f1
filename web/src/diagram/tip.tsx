/** The head of an arrow: its tip, and its direction in degrees. */
export function Tip({ at: [x, y, degrees], size }: { at: [number, number, number]; size: number }) {
  return <path class="odd filled" transform={`translate(${x} ${y}) rotate(${degrees})`} d={`M0 0l${-size} ${-size * 0.55}v${size * 1.1}z`} />;
}
