/** A page as far as measuring text needs one: no canvas, so that every character is .6 of its size wide. */
Object.assign(globalThis, { document: { createElement: () => ({ getContext: () => null }) } });

/** Width of one character, as a part of its size. */
export const ADVANCE = 0.6;
