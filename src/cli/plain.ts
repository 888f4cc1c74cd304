// Text from outside made safe for a terminal: interface names may hold control characters.

/** The text with control characters written as \xNN, so that nothing can steer the terminal. */
export function plain(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f]/g,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
