/**
 * The smallest pickle *writer*: plain data and "call this global with these arguments", in protocol 2, which
 * every Python 3 reads. There is deliberately no reader: nothing that a cluster sends is ever unpickled.
 */
export type Picklable =
  | null
  | boolean
  | number
  | string
  | readonly Picklable[]
  | { readonly [key: string]: Picklable }
  | PyCall;

/** `module.name(*args)`, evaluated by whoever loads the pickle. */
export class PyCall {
  readonly module: string;
  readonly name: string;
  readonly args: readonly Picklable[];

  constructor(module: string, name: string, args: readonly Picklable[]) {
    this.module = module;
    this.name = name;
    this.args = args;
  }
}

export function pickle(value: Picklable): Buffer {
  const parts: Uint8Array[] = [op('\x80\x02')];
  emit(value, parts);
  parts.push(op('.'));
  return Buffer.concat(parts);
}

/** A pickle that evaluates one Python expression. */
export function pickleExpression(expression: string, variables: Record<string, Picklable> = {}): Buffer {
  return pickle(new PyCall('builtins', 'eval', [expression, variables]));
}

/** A pickle that runs `source`, a module's text, in a fresh namespace and evaluates an expression there, like a name. */
export function pickleModule(source: string, expression: string, variables: Record<string, Picklable> = {}): Buffer {
  return pickleExpression(`exec(compile(__source__, '<taskglass agent>', 'exec')) or ${expression}`, {
    __name__: 'taskglass_agent',
    __source__: source,
    ...variables,
  });
}

function op(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function emit(value: Picklable, parts: Uint8Array[]): void {
  if (value === null) parts.push(op('N'));
  else if (value === true) parts.push(op('\x88'));
  else if (value === false) parts.push(op('\x89'));
  else if (typeof value === 'number') parts.push(number(value));
  else if (typeof value === 'string') {
    const utf8 = Buffer.from(value, 'utf8');
    const head = Buffer.allocUnsafe(5);
    head.write('X', 'latin1');
    head.writeUInt32LE(utf8.length, 1);
    parts.push(head, utf8);
  } else if (value instanceof PyCall) {
    parts.push(op(`c${value.module}\n${value.name}\n`));
    emit(value.args, parts);
    parts.push(op('R'));
  } else if (isArray(value)) {
    parts.push(op('('));
    for (const item of value) emit(item, parts);
    parts.push(op('t'));
  } else {
    parts.push(op('}('));
    for (const [key, item] of Object.entries(value)) {
      emit(key, parts);
      emit(item, parts);
    }
    parts.push(op('u'));
  }
}

function isArray(value: Picklable): value is readonly Picklable[] {
  return Array.isArray(value);
}

function number(value: number): Uint8Array {
  if (Number.isInteger(value) && Math.abs(value) <= 0x7fff_ffff && !Object.is(value, -0)) {
    const bytes = Buffer.allocUnsafe(5);
    bytes.write('J', 'latin1');
    bytes.writeInt32LE(value, 1);
    return bytes;
  }
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return op(`I${value}\n`);
  const bytes = Buffer.allocUnsafe(9);
  bytes.write('G', 'latin1');
  bytes.writeDoubleBE(value, 1);
  return bytes;
}
