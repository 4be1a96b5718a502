// What several versions of something use together, as long as any of them does.
import type { ServicesLoan } from './services-loan.ts';

/** A loan with more than one holder: given back when the last of them lets it go. */
export class Lease {
  readonly #loan: ServicesLoan;
  #holders = 0;

  constructor(loan: ServicesLoan) {
    this.#loan = loan;
  }

  hold(): void {
    this.#holders += 1;
  }

  letGo(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#loan.giveBack();
  }
}
