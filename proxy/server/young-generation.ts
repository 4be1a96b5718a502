// Loading a program makes much garbage once, and V8 answers by growing the space for young objects
// to 16 MB and keeping it. Held small until the proxy serves, an idle process is 15 MB smaller;
// under load the space grows as usual.
import { setFlagsFromString } from 'node:v8';

/** V8's own factor. */
const USUAL_GROWTH = 2;

/** Called before anything else is loaded. */
export function holdYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Called when the proxy serves. */
export function releaseYoungGeneration(): void {
  setFlagsFromString(`--semi-space-growth-factor=${USUAL_GROWTH}`);
}
