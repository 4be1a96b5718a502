// Where everything wrong or doubtful with one resource is collected while it is checked and compiled.
import type { Rejection, Warning } from '../../base/result.ts';
import type { CompileContext, CompileEnvironment } from '../../model/extension.ts';

/**
 * Turns a checked resource into what the data path uses. Problems go to `context`; null when there
 * is no usable value, in which case at least one problem was reported.
 */
export type ResourceCompiler<M, C> = (message: M, context: CompileContext) => C | null;

/** The problems of one resource; the contexts handed to compilers all write into it. */
export class ProblemSink {
  readonly rejections: Rejection[] = [];
  readonly warnings: Warning[] = [];
  readonly environment: CompileEnvironment;
  /** What the paths of its contexts begin with where they are told apart from other resources'. */
  readonly place: string;

  constructor(environment: CompileEnvironment, place = '') {
    this.environment = environment;
    this.place = place;
  }

  /** A context whose paths start at `path`, '' for the resource itself. */
  context(path = ''): CompileContext {
    return new SinkContext(this, path);
  }
}

/** Joins two parts of a field path; either may be ''. */
export function joinPath(base: string, step: string): string {
  if (base === '') return step;
  if (step === '' || step.startsWith('[')) return base + step;
  return `${base}.${step}`;
}

class SinkContext implements CompileContext {
  readonly #sink: ProblemSink;
  readonly #path: string;

  constructor(sink: ProblemSink, path: string) {
    this.#sink = sink;
    this.#path = path;
  }

  get environment(): CompileEnvironment {
    return this.#sink.environment;
  }

  get place(): string {
    return joinPath(this.#sink.place, this.#path);
  }

  get failed(): boolean {
    return this.#sink.rejections.length > 0;
  }

  reject(path: string, reason: string): void {
    this.#sink.rejections.push({ path: joinPath(this.#path, path), reason });
  }

  warn(path: string, reason: string): void {
    this.#sink.warnings.push({ path: joinPath(this.#path, path), reason });
  }

  at(path: string): CompileContext {
    return new SinkContext(this.#sink, joinPath(this.#path, path));
  }
}
