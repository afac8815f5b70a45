// Knows the calendar: which days there are. JavaScript's Date takes 30 February and makes it 2 March (ECMA-262 §21.4.3.2 leaves that open).

/** Whether the calendar has this day, given as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
