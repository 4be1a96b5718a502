// Numbers for connections of every kind.

let lastConnectionId = 0;

/** Counts up from 1 in a process. */
export function nextConnectionId(): number {
  lastConnectionId += 1;
  return lastConnectionId;
}
