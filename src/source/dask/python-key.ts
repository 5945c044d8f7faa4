import type { DaskValue } from './comm/message.ts';

/** Task keys as Python prints and groups them. Wherever the agent runs, it does this itself. */

/** Python's `str(key)`. A whole float inside a tuple prints as an integer: MessagePack's numbers are one type here. */
export function keyText(key: DaskValue): string {
  return typeof key === 'string' ? key : repr(key);
}

function repr(value: DaskValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return number(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Uint8Array) return `b${quote(Buffer.from(value).toString('latin1'), true)}`;
  if (!Array.isArray(value)) return 'None';
  return value.length === 1 ? `(${repr(value[0]!)},)` : `(${value.map(repr).join(', ')})`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
/** What Python's `str.isprintable` says no to. */
const UNPRINTABLE = /[^\P{C}]|[^\P{Z} ]|[\\]/gu;

function quote(text: string, bytes = false): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(bytes ? /[^ -[\]-~]/g : UNPRINTABLE, (char) => ESCAPES[char] ?? escapeOf(char));
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function escapeOf(char: string): string {
  const code = char.codePointAt(0)!;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

function number(value: number): string {
  if (Number.isInteger(value)) return value >= 1e21 || value <= -1e21 ? exponent(String(value)) : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  return exponent(Math.abs(value) < 1e-4 ? value.toExponential() : String(value));
}

/** Python writes two digits at least. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Dask's `key_split`: the name under which tasks of one function are counted. */
export function keySplit(key: DaskValue): string {
  if (Array.isArray(key)) return keySplit(key[0] ?? null);
  if (key instanceof Uint8Array) return keySplit(Buffer.from(key).toString('utf8'));
  if (typeof key !== 'string' || key === '') return 'Other';
  const words = key.split('-');
  const [first] = words;
  if (first === '') return 'Other';
  let result = /^\p{L}/u.test(first!) ? first! : strip(first!.split(',')[0]!, '_\'()"');
  for (const word of words.slice(1)) {
    if (!/^\p{L}+$/u.test(word) || (word.length === 8 && /^[a-f]/.test(word))) break;
    result += `-${word}`;
  }
  if (/^[a-f0-9]{32}$/.test(result)) return 'data';
  if (result === '') return 'Other';
  return result.startsWith('<') ? className(result) : result;
}

/** Dask's `key_split_group`: the finer name, of the tasks of one call. */
export function keySplitGroup(key: DaskValue): string {
  if (Array.isArray(key)) return keyText(key[0] ?? null);
  if (key instanceof Uint8Array) return keySplitGroup(Buffer.from(key).toString('utf8'));
  if (typeof key !== 'string' || key === '') return 'Other';
  if (key.startsWith('(')) return strip(key.split(',')[0]!, '()"\'');
  if (/^[a-f0-9]{32}$/.test(key)) return 'data';
  return key.startsWith('<') ? className(key) : keySplit(key);
}

/** `<module.submodule.myclass object at 0x…>` → `myclass`. */
function className(text: string): string {
  const [word = ''] = strip(text, '<>').trim().split(/\s+/);
  return word.split('.').at(-1) || 'Other';
}

function strip(text: string, chars: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && chars.includes(text[from]!)) from++;
  while (to > from && chars.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}
