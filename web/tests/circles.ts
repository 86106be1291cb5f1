/** Circles in a graph. */

/** The sets of files that import each other in a circle, sorted; a file that imports itself is one. */
export function circlesOf(imports: Map<string, string[]>): string[][] {
  const reachable = (from: string) => {
    const reached = new Set<string>();
    const open = [...(imports.get(from) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      open.push(...(imports.get(file) ?? []));
    }
    return reached;
  };
  const reach = new Map([...imports.keys()].map((file) => [file, reachable(file)]));
  const circles = [...reach].filter(([file, to]) => to.has(file)).map(([file, to]) => [...to].filter((other) => reach.get(other)?.has(file)).sort().join("\n"));
  return [...new Set(circles)].sort().map((circle) => circle.split("\n"));
}
