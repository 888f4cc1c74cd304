// Text from outside made fit for messages: interface names and values may hold control characters, or be very long.

/** The text with control characters written as \xNN, so that nothing can steer a terminal. */
export function plain(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f]/g,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** As `plain`, and cut off with … after `most` characters. */
export function shown(text: string, most = 48): string {
  const all = plain(text.slice(0, most + 1));
  return all.length > most ? `${all.slice(0, most)}…` : all;
}
