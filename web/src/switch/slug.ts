/** The names of choices in a URL. */

/** The name of choice `index`; its index if the name is empty or ambiguous there. */
export function slug(names: string[], index: number): string {
  const slugs = names.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40));
  const own = slugs[index] ?? "";
  return own && slugs.indexOf(own) === slugs.lastIndexOf(own) ? own : String(index);
}
