/** Q, K and V side by side: every writer's share, the decoded load, and the weight-based numbers with their null. */
import { DataTable, field } from "../../datatable";
import { ViewFrame } from "../../frame";
import type { Cell } from "../../model";
import type { Work } from "../ask";
import type { ScreenProps } from "../screen";
import { Failing } from "../states";
import { OneSide } from "./side";
import type { Found, Null, Nulls } from "./types";

const TITLE = "Whose stores each side reads";
const PLACE = { figure: "shares", view: 0 };

/** The three sides of an address. */
export function Sides(props: ScreenProps & { found: Found; nulls: Work<Nulls> }) {
  const { found, nulls } = props;
  const data = nulls.data?.head === found.head ? nulls.data : null;
  const measures = data?.measures ?? [];
  const wires = data?.wires ?? [];
  const known = (side: string, writer: string) => wires.find((one) => one.side === side && one.writer === writer) ?? null;
  const rows = tableOf(found, known, measures);
  return (
    <div class="sides">
      <ViewFrame
        view={{ title: TITLE }}
        place={PLACE}
        records={() => [["side", "writer", "share", ...measures], ...rows.map(({ side, writer, cells }) => [side, writer, ...cells.map(field)])]}
        cells={rows.length * (measures.length + 1)}
        about={rows}
        table={() => <DataTable place={PLACE} caption={TITLE} corner="wire" list columns={["share", ...measures]} rows={rows.map(({ side, writer, cells }) => ({ head: `${writer} \u2192 ${side}`, cells }))} />}
      >
        <div class="three">
          {found.sides.map((side) => (
            <OneSide key={side.side} {...props} side={side} known={known} />
          ))}
        </div>
      </ViewFrame>
      {nulls.failed && <Failing failure={nulls.failed} what="the nulls of these wires" again={nulls.start} />}
      <p class="missing">
        Shares are exact on this prompt: signed, they sum to 1. The numbers below a share are of the weights alone, with its null: the score, its chance under a random rotation between writer and reader, z standard
        deviations above it; alignment is 0 at chance, 1 at the ceiling, −1 at the floor.
      </p>
    </div>
  );
}

interface Row {
  side: string;
  writer: string;
  cells: Cell[];
}

function tableOf(found: Found, known: (side: string, writer: string) => Null | null, measures: string[]): Row[] {
  return found.sides.flatMap(({ side, writers, others }) => {
    const rows = writers.map(({ writer, share }): Row => {
      const wire = known(side, writer);
      return { side, writer, cells: [share, ...measures.map((name) => wire?.numbers[name] ?? null)] };
    });
    return others.count ? [...rows, { side, writer: `${others.count} others`, cells: [others.share, ...measures.map(() => null)] }] : rows;
  });
}
