/** A cache of answers: the most recently used ones, up to a total size. */

/** A cache by name that evicts the least recently used. A value larger than the cache is not stored. */
export class Kept {
  private readonly values = new Map<string, { value: unknown; size: number }>();
  private used = 0;

  constructor(private readonly room: number) {}

  /** The value of that name, marked as most recently used; undefined if there is none. */
  get(name: string): unknown {
    const found = this.values.get(name);
    if (!found) return undefined;
    this.values.delete(name);
    this.values.set(name, found);
    return found.value;
  }

  /** Store a value of that `size`. */
  put(name: string, value: unknown, size: number): void {
    this.used -= this.values.get(name)?.size ?? 0;
    this.values.delete(name);
    if (size > this.room) return;
    this.values.set(name, { value, size });
    this.used += size;
    for (const [oldest, { size: freed }] of this.values) {
      if (this.used <= this.room) break;
      this.values.delete(oldest);
      this.used -= freed;
    }
  }

  /** Clear the cache. */
  clear(): void {
    this.values.clear();
    this.used = 0;
  }
}
