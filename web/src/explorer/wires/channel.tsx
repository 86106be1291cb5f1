/** One wire: its channels, and the tokens at both of their ends. */
import { useEffect, useRef } from "preact/hooks";
import { Chosen } from "../../chosen";
import { FigureBlock } from "../../figure";
import type { Figure } from "../../model";
import { useAsk } from "../ask";
import type { ScreenProps } from "../screen";
import { Answer } from "../states";

interface Answer {
  writer: string;
  reader: string;
  total: number;
  /** Offsets at which it can be decoded, under rotary positions. */
  offsets: number;
  offset: number | null;
  undecoded: string | null;
  figure: Figure;
  readers: Figure;
}

interface Props extends Pick<ScreenProps, "go" | "link"> {
  writer: string;
  reader: string;
  offset: string | undefined;
  /** Whether it was chosen on this page, and should be scrolled into view. */
  fresh: boolean;
  /** Its numbers in the panels. */
  measured: string | null;
}

/** The channels of `writer` → `reader`, with links back and onwards. */
export function Channel({ writer, reader, offset, fresh, measured, go, link }: Props) {
  const at = offset !== undefined && /^\d{1,6}$/.test(offset) ? Number(offset) : null;
  const asked = useAsk<Answer>("channel", { writer, reader, ...(at === null ? {} : { offset: at }) });
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (fresh) box.current?.scrollIntoView({ block: "nearest" });
  }, [writer, reader]);
  const [, head, side] = /^(.*)\.([QKV])$/.exec(reader) ?? [];
  return (
    <section class="channel" ref={box} aria-label={`Channels of ${writer} \u2192 ${reader}`}>
      <p class="onward">
        {head && side && (
          <>
            <a href={link({ head, side, from: writer }, "address")}>
              Address of {head}, side {side} from {writer}
            </a>{" "}
          </>
        )}
        <button type="button" onClick={() => go({ writer: null, reader: null, offset: null })}>
          Close this wire
        </button>
      </p>
      {measured && <p class="missing">In the panels: {measured}.</p>}
      <Answer asked={asked} what={`the channels of ${writer} \u2192 ${reader}`}>
        {(answer) => (
          <Chosen.Provider value={null}>
            {answer.offsets > 0 && <Offset answer={answer} go={go} />}
            {answer.undecoded && <p class="missing">{answer.undecoded}</p>}
            <FigureBlock key={`${answer.writer} ${answer.reader}`} figure={answer.figure} />
            <details class="numbers">
              <summary>Who else reads these channels</summary>
              <FigureBlock figure={answer.readers} />
            </details>
          </Chosen.Provider>
        )}
      </Answer>
    </section>
  );
}

/** The distance of query and key, under rotary positions. */
function Offset({ answer, go }: { answer: Answer } & Pick<ScreenProps, "go">) {
  return (
    <div class="controls">
      <label>
        Offset, query minus key{" "}
        <input type="number" min={0} max={answer.offsets - 1} step={1} value={answer.offset ?? ""} placeholder="all" onChange={(event) => go({ offset: event.currentTarget.value === "" ? null : Math.min(answer.offsets - 1, Math.max(0, Math.round(Number(event.currentTarget.value)))) })} />
      </label>
      {answer.offset === null && (
        <button type="button" onClick={() => go({ offset: 1 })}>
          Decode at offset 1
        </button>
      )}
    </div>
  );
}
