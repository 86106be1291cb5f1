/** Decodes matrices of wires: numbers if there are few, bytes of the existing entries if there are many. */
import { bytesOf } from "../bytes";
import type { Cell, Layers, LayersPanel, Packed } from "../model";

/** One panel: row-major numbers, NaN where there is no wire. */
export interface Matrix {
  title: string;
  values: Float64Array;
  /** Names of the details, and each as numbers, unpacked on first use. */
  names: string[];
  detail: (name: string) => Float64Array;
}

/** Every panel of `view`. Throws if the number of entries does not fit its members. */
export function unpack({ panels, rows, columns }: Layers): Matrix[] {
  const count = (axis: Layers["rows"]) => axis.groups.reduce((sum, { members }) => sum + members.length, 0);
  const size = count(rows) * count(columns);
  return panels.map((panel) => matrix(panel, size));
}

function matrix(panel: LayersPanel, size: number): Matrix {
  const there = panel.wires ? bytesOf(panel.wires) : null;
  const known = new Map<string, Float64Array>();
  const detail = (name: string) => {
    const made = known.get(name) ?? numbers(panel.details[name] ?? [], size, there);
    known.set(name, made);
    return made;
  };
  return { title: panel.title, values: numbers(panel.values, size, there), names: Object.keys(panel.details), detail };
}

/** A full matrix, NaN where `there` has no bit. */
function numbers(source: Cell[][] | Packed, size: number, there: Uint8Array | null): Float64Array {
  const wires = Array.isArray(source) ? Float64Array.from(source.flat().map(plain)) : decoded(source);
  const all = new Float64Array(size);
  let next = 0;
  for (let index = 0; index < size; index++) {
    const has = !there || ((there[index >> 3] as number) >> (index & 7)) & 1;
    all[index] = has ? (wires[next++] as number) : NaN;
  }
  if (next !== wires.length) throw new Error(`${next} wires need as many numbers, and there are ${wires.length}`);
  return all;
}

function plain(cell: Cell): number {
  if (typeof cell === "number") return cell;
  return cell === "inf" ? Infinity : cell === "-inf" ? -Infinity : NaN;
}

function decoded(source: Packed): Float64Array | Float32Array {
  const bytes = bytesOf(source.data);
  switch (source.format) {
    case "float32":
      return new Float32Array(bytes.buffer);
    case "float16":
      return looked(new Uint16Array(bytes.buffer), halves(), source.unit);
    case "uint8":
      return looked(bytes, Float64Array.from({ length: 256 }, (_, level) => ODD[level] ?? source.low + level * source.step), 1);
    default:
      throw new Error(`numbers are stored as ${String((source as { format?: unknown }).format)}, which this page cannot read`);
  }
}

/** Every code as its number, times `unit`. */
function looked(codes: Uint8Array | Uint16Array, known: Float64Array, unit: number): Float64Array {
  const made = new Float64Array(codes.length);
  for (let index = 0; index < codes.length; index++) made[index] = (known[codes[index] as number] as number) * unit;
  return made;
}

/** Levels of uint8 that are not numbers. */
const ODD: Record<number, number> = { 253: -Infinity, 254: Infinity, 255: NaN };

let table: Float64Array | null = null;

/** Every number of half precision (IEEE 754), by its bits. */
function halves(): Float64Array {
  table ??= Float64Array.from({ length: 65536 }, (_, bits) => {
    const [sign, power, part] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (power === 31) return part ? NaN : sign * Infinity;
    return sign * (power ? 2 ** (power - 15) * (1 + part / 1024) : 2 ** -14 * (part / 1024));
  });
  return table;
}

/** A number as a cell: seven digits, or the word for a non-number. */
export function cellOf(value: number): Cell {
  if (Number.isFinite(value)) return Number(value.toPrecision(7));
  return value > 0 ? "inf" : value < 0 ? "-inf" : "nan";
}
