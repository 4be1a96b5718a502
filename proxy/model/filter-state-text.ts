// Filter state as routes read it: text, of the request or else of its connection.
import { isPrintableState } from '../formatter/printable-state.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** What is kept under a key, as text; null: nothing, or nothing that has a text. */
export function filterStateText(info: StreamInfo, key: string): string | null {
  const value = info.filterState?.get(key) ?? info.downstream.filterState?.get(key);
  if (isPrintableState(value)) return value.asText();
  return typeof value === 'string' ? value : null;
}
