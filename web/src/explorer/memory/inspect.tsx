/** Details of one store, and the loads that used it. */
import { number, short } from "../../format";
import type { ScreenProps } from "../screen";
import type { Store } from "./types";

/** Facts of the store, and its loads as links to their addresses. */
export function Inspect({ run, store, link }: ScreenProps & { store: Store }) {
  const { writer, at, norm, decoded, source, shares, logit } = store;
  const facts: [string, string][] = [
    ["norm", number(norm, 2)],
    ...shares.map(({ when, share }): [string, string] => [`share of the stream ${when}`, number(share, 3)]),
    ["decodes to", decoded.length ? decoded.map(({ text, cosine }) => `${text} ${short(cosine, 2, false)}`).join(", ") : "not decoded: this store does not correspond to a token’s row"],
    ...(source.length ? ([["loaded from", source.map(({ token, weight }) => `${token} ${short(weight, 2, false)}`).join(", ")]] as [string, string][]) : []),
    ...(logit ? ([["alone, on the prediction here", `${logit.text} ${logit.change < 0 ? "" : "+"}${number(logit.change, 2)}`]] as [string, string][]) : []),
  ];
  return (
    <section class="inspect" aria-label={`The store of ${writer} at ${run.labels[at]}`}>
      <h3>
        {writer} at <code>{run.labels[at]}</code>
      </h3>
      <dl class="store-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h4>Loads that used it</h4>
      {store.lit.length === 0 && <p class="said">No later head loads from this store.</p>}
      {store.lit.length > 0 && (
        <div class="scroll tables" role="region" aria-label="Loads that used this store" tabIndex={0}>
          <table class="data plain">
            <thead>
              <tr>
                {["load", "at", "share of it", "traffic"].map((name, index) => (
                  <th key={name} scope="col" class={index < 2 ? "text" : "number"}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {store.lit.map(({ head, side, query, token, share, traffic }) => (
                <tr key={`${head}${side}${query}`}>
                  <th scope="row">
                    <a href={link({ head, token: query, side, from: writer, about: "row", do: null, measure: null, by: null }, "address")}>{`${head}.${side}`}</a>
                  </th>
                  <td class="text">{token}</td>
                  <td class="number" data-value={share}>
                    {number(share, 3)}
                  </td>
                  <td class="number" data-value={traffic}>
                    {number(traffic, 3)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="missing">
        {store.others.count > 0 && `${store.others.count} more loads ${store.others.held === null ? "took less than those of their side" : `hold ${number(store.others.held, 2)} together, signs aside`}. `}
        {store.by === "share"
          ? "Share: how much of the load’s choice (Q, K) or of what was stored (V) this store makes up; exact on this prompt, 1 with all others. "
          : "Traffic: on V the size of what was taken; on Q and K the deviation of the scores that softmax sees. Units differ by side. "}
        {store.missing}
      </p>
    </section>
  );
}
