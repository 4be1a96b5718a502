// A host that answers commands as a test says, and remembers what it was asked to run.
import type { CommandResult, System } from '../../iptables-init/system.ts';

/** What a command that begins with these words answers; what is left out went well. */
export type FakeAnswer = readonly [command: string, result: Partial<CommandResult>];

/** Answers by the first words of a command that fit. */
export class FakeSystem implements System {
  readonly commands: string[] = [];
  readonly inputs: string[] = [];
  readonly #answers: readonly FakeAnswer[];

  constructor(...answers: readonly FakeAnswer[]) {
    this.#answers = answers;
  }

  async run(program: string, args: readonly string[], input = ''): Promise<CommandResult> {
    const command = [program, ...args].join(' ');
    this.commands.push(command);
    if (input !== '') this.inputs.push(input);
    const found = this.#answers.find(([start]) => command.startsWith(start));
    return { status: 0, stdout: '', stderr: '', ...found?.[1] };
  }
}
