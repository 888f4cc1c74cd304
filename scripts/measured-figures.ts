// Figures in the documents that can only have been measured, and whether the section that gives them names a command that measures.

/** Nanoseconds, packets per second, megabytes, shares. Milliseconds and bit rates are settings of bonds and links as well. */
const MEASURED = /\b\d[\d.,]*\s*(?:ns|µs|kpps|Mpps|MB|%)(?![\w/])/g;

/** For each section of a page with such figures and without `npm run NAME` or `npm test` of one of these scripts, a sentence. */
export function unmeasured(page: string, text: string, scripts: readonly string[]): string[] {
  return text.split(/^(?=#{1,6} )/m).flatMap(section => {
    const figures = section.replace(/```[^]*?```/g, '').match(MEASURED) ?? [];
    const named = Array.from(section.matchAll(/\bnpm (?:run )?([a-z:-]+)/g), match => match[1] ?? '');
    if (figures.length === 0 || named.some(name => scripts.includes(name))) return [];
    const [title = ''] = section.split('\n');
    return [`${page}: "${title}" gives ${figures[0]}, and no command that measures it (npm run …)`];
  });
}
