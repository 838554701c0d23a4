/** What charts share. PURE. */

/** Text as it stands in an element or an attribute. */
export function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
