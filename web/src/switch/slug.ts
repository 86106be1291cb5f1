/** The names of choices as an address has them. */

/** The name of choice `index`; its index where the name says nothing there or stands for two. */
export function slug(names: string[], index: number): string {
  const slugs = names.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 40));
  const own = slugs[index] ?? "";
  return own && slugs.indexOf(own) === slugs.lastIndexOf(own) ? own : String(index);
}
