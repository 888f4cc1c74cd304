// UTF-8 text to bytes and back, for rooms that have neither TextEncoder nor Buffer. Bad bytes become U+FFFD.

/** UTF-8 bytes of `text`; a lone surrogate is written as U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const raw = character.codePointAt(0) ?? 0;
    const code = raw >= 0xd800 && raw <= 0xdfff ? 0xfffd : raw;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else
      bytes.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 0x3f),
        0x80 | ((code >> 6) & 0x3f),
        0x80 | (code & 0x3f),
      );
  }
  return Uint8Array.from(bytes);
}

/** Continuation bytes that follow a lead byte, and the least code point such a sequence may carry. */
function sequence(lead: number): { length: number; least: number; bits: number } | undefined {
  if (lead >= 0xc2 && lead < 0xe0) return { length: 1, least: 0x80, bits: lead & 0x1f };
  if (lead >= 0xe0 && lead < 0xf0) return { length: 2, least: 0x800, bits: lead & 0x0f };
  if (lead >= 0xf0 && lead < 0xf5) return { length: 3, least: 0x10000, bits: lead & 0x07 };
  return undefined;
}

/** Text of `bytes[start..end)`; every byte that starts no valid sequence becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const lead = bytes[i] ?? 0;
    if (lead < 0x80) {
      text += String.fromCodePoint(lead);
      continue;
    }
    const shape = sequence(lead);
    let code = shape?.bits ?? 0;
    let length = 0;
    const wanted = shape?.length ?? 0;
    while (length < wanted && i + length + 1 < end) {
      const next = bytes[i + length + 1] ?? 0;
      if ((next & 0xc0) !== 0x80) break;
      code = (code << 6) | (next & 0x3f);
      length++;
    }
    const valid =
      shape !== undefined &&
      length === wanted &&
      code >= shape.least &&
      code <= 0x10ffff &&
      (code < 0xd800 || code > 0xdfff);
    text += String.fromCodePoint(valid ? code : 0xfffd);
    if (valid) i += length;
  }
  return text;
}
