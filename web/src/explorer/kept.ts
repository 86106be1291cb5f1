/** Answers that are kept for a while: the newest used, as many as fit a size. */

/** Keeps values by name; what was used longest ago makes room. A value larger than the room is not kept. */
export class Kept {
  private readonly values = new Map<string, { value: unknown; size: number }>();
  private used = 0;

  constructor(private readonly room: number) {}

  /** The value of that name, which is now the newest used; undefined where there is none. */
  get(name: string): unknown {
    const found = this.values.get(name);
    if (!found) return undefined;
    this.values.delete(name);
    this.values.set(name, found);
    return found.value;
  }

  /** Keep a value that takes `size`. */
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

  /** Forget all of them. */
  clear(): void {
    this.values.clear();
    this.used = 0;
  }
}
