// Lists are compiled element by element, so that one bad element hides no other.
import type { CompileContext } from '../../model/extension.ts';

/** A repeated field: its elements and its path below the message at hand. */
export interface RepeatedField<M> {
  readonly path: string;
  readonly items: readonly M[];
}

/** Compiles every element with the context of its index; refused elements are left out. */
export function compileEach<M, C>(
  field: RepeatedField<M>,
  context: CompileContext,
  compile: (item: M, context: CompileContext) => C | null,
): C[] {
  const compiled: C[] = [];
  field.items.forEach((item, index) => {
    const value = compile(item, context.at(`${field.path}[${index}]`));
    if (value !== null) compiled.push(value);
  });
  return compiled;
}
