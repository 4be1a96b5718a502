// Clients of the proxy under chaos: single requests that are timed, and a steady load.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** How a request went. */
export interface Outcome {
  /** 0: the connection ended before a response. */
  readonly status: number;
  /** %RESPONSE_FLAGS% as the proxy tells them in `x-flags`, '' for none. */
  readonly flags: string;
  readonly ms: number;
  /** performance.now() of its end. */
  readonly endedMs: number;
  /** All of the response came. */
  readonly isComplete: boolean;
}

/** What is asked. */
export interface Question {
  readonly port: number;
  readonly path?: string;
  readonly method?: string;
  readonly agent?: Agent;
}

/** One request; a connection of its own unless an agent is given. */
export function ask({ port, path = '/', method = 'GET', agent }: Question): Promise<Outcome> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let [status, flags] = [0, ''];
    const end = (isComplete: boolean): void => {
      const endedMs = performance.now();
      resolve({ status, flags, isComplete, ms: endedMs - startMs, endedMs });
    };
    const asked = request({ host: '127.0.0.1', port, path, method, agent: agent ?? false });
    // Told here also when the connection is reset within a response.
    asked.once('error', () => end(false));
    asked.once('response', (response) => {
      status = response.statusCode ?? 0;
      flags = String(response.headers['x-flags'] ?? '');
      response.once('error', () => end(false));
      response.once('end', () => end(true));
      response.resume();
    });
    asked.end();
  });
}

/** How much load. */
export interface LoadSettings {
  /** Clients that keep their connections. */
  readonly clients: number;
  /** Clients that make one for each request; none where nothing is said. */
  readonly strangers?: number;
  readonly pauseMs: number;
}

/** A load that goes on until it is told to stop. */
export class Load {
  readonly outcomes: Outcome[] = [];
  readonly #agent: Agent;
  readonly #clients: readonly Promise<void>[];
  #isOver = false;

  constructor(port: number, settings: LoadSettings) {
    const { clients, pauseMs, strangers = 0 } = settings;
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients });
    const steady = Array.from({ length: clients }, () => ({ port, agent: this.#agent }));
    const others = Array.from({ length: strangers }, () => ({ port }));
    this.#clients = [...steady, ...others].map((question) => this.#run(question, pauseMs));
  }

  /** Resolves with all outcomes when the last request is answered. */
  async stop(): Promise<readonly Outcome[]> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
    return this.outcomes;
  }

  async #run(question: Question, pauseMs: number): Promise<void> {
    while (!this.#isOver) {
      this.outcomes.push(await ask(question));
      await delay(pauseMs);
    }
  }
}

/** The value that a share of them does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
