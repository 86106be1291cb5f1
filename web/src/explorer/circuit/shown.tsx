/** A circuit: its picture with F beside it, its loads as switches, and F by size. */
import { useMemo } from "preact/hooks";
import { FigureBlock } from "../../figure";
import { short } from "../../format";
import { GraphView } from "../../graph/view";
import { useWork } from "../ask";
import type { ScreenProps } from "../screen";
import { Working } from "../states";
import { Loads } from "./loads";
import { grouped, onlyOn, read, written } from "./off";
import { Panel } from "./panel";
import { useSwitched } from "./switched";
import type { Drawn, Found } from "./types";

const PLACE = { figure: "circuit", view: 0 };

/** The circuit and its switches. */
export function Shown({ found, place, go, findAgain }: ScreenProps & { found: Found; findAgain: () => void }) {
  const { judged } = found;
  const off = useMemo(() => read(found.loads, place.off), [found, place.off]);
  const groups = useMemo(() => grouped(found.loads, off), [found, off]);
  const set = (next: Set<number>) => go({ off: written(grouped(found.loads, next)) });
  const wanted = Number(place.pair) || 0;
  const pair = Number.isInteger(wanted) && wanted > 0 && wanted < found.pairs.length ? wanted : found.pair;
  const work = useWork<Drawn>("circuit/picture", pair === found.pair ? null : { circuit: found.circuit, pair }, true);
  const drawn: Drawn = pair === found.pair ? found : work.data?.pair === pair ? work.data : found;
  const { asked, late } = useSwitched({ circuit: found.circuit, ...groups, pair: drawn.pair });
  const cut = asked.data?.pair === drawn.pair ? asked.data.cut : null;
  return (
    <>
      <h3 class="title-of-circuit">{found.title}</h3>
      <p class="claim">
        On {judged.pairs} pairs that were not used to find it, <i>F</i> of the circuit is {short(judged.faithfulness, 2, false)} (95 %: {short(judged.low, 2, false)} to {short(judged.high, 2, false)}), and <i>F</i> of all other wires
        is {short(1 - judged.necessity, 2, false)}.
      </p>
      <div class="circuit-and-f">
        <Panel found={found} asked={asked} late={late} off={off.size} setAll={(on) => set(on ? new Set() : onlyOn(found.loads, []))} findAgain={findAgain} />
        <div class="picture-of-circuit">
          <GraphView view={drawn.picture} place={PLACE} shown={{ lit: null, cut }} />
          {cut && <p class="said-of-pair">{cut.said}</p>}
          {found.pairs.length > 1 && <Pairs found={found} pair={pair} choose={(to) => go({ pair: to || null })} />}
          <Working work={work} what={`the picture at pair ${pair}`}>
            {() => null}
          </Working>
        </div>
        <Loads loads={found.loads} off={off} set={set} />
      </div>
      <FigureBlock figure={found.curve} />
    </>
  );
}

/** Which pair is drawn, with both of its prompts. */
function Pairs({ found, pair, choose }: { found: Found; pair: number; choose: (pair: number) => void }) {
  const texts = found.pairs[pair];
  return (
    <div class="pairs-of-circuit">
      <label>
        Draw{" "}
        <select onChange={(event) => choose(event.currentTarget.selectedIndex)}>
          {found.pairs.map((_, index) => (
            <option key={index} selected={index === pair}>
              pair {index}
            </option>
          ))}
        </select>
      </label>
      <dl>
        <div>
          <dt>clean prompt</dt>
          <dd>{texts?.clean}</dd>
        </div>
        <div>
          <dt>counterfactual prompt</dt>
          <dd>{texts?.counterfactual}</dd>
        </div>
      </dl>
    </div>
  );
}
