// ANSI colours by what they mean; a painter that paints nothing where colours are not wanted.

const CODES = { good: '32', bad: '31', doubtful: '33', strong: '1', faint: '2' } as const;

export type Meaning = keyof typeof CODES;

/** A line of what is shown: name, text, and what its colour is to say. */
export type Fact = readonly [name: string, text: string, meaning?: Meaning | undefined];

/** Colours a text by its meaning, or leaves it alone. */
export type Paint = (text: string, meaning: Meaning | undefined) => string;

export function painter(colour: boolean): Paint {
  return (text, meaning) =>
    colour && meaning !== undefined ? `\u001b[${CODES[meaning]}m${text}\u001b[0m` : text;
}
