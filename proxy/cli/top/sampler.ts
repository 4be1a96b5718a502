// Takes samples of an admin interface and compares each with the one before.
import { type AdminPlace, type Read, readAdmin } from './admin-client.ts';
import { compareSamples, type Report } from './rates.ts';
import { readSample, type Sample } from './sample.ts';

/** One proxy that is watched. */
export class Sampler {
  readonly #place: AdminPlace;
  #last: Sample | null = null;

  constructor(place: AdminPlace) {
    this.#place = place;
  }

  /** What happened since the last sample; null for the first one, and after the proxy was gone. */
  async next(): Promise<Read<Report | null>> {
    const answers = await readAdmin(this.#place);
    if (!answers.ok) {
      this.#last = null;
      return answers;
    }
    const sample = readSample(answers.value, performance.now());
    if (sample === null) return { ok: false, error: '/stats has no list of statistics' };
    const last = this.#last;
    this.#last = sample;
    return { ok: true, value: last === null ? null : compareSamples(last, sample) };
  }
}
