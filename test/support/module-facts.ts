import { parseSync } from 'vite';

/** What a module's text says about itself, read from its syntax tree (a pattern would miss some forms of import). */
export interface ModuleFacts {
  /**
   * Everything it imports, by the text between the quotes: values, types, side effects, re-exports, `import()` of values
   * and of types, and `new URL('…', import.meta.url)`, which is how a process or thread is given its entry.
   */
  readonly imports: readonly string[];
  /** Lines with an `import()` whose target is only known when it runs. */
  readonly blindImports: readonly number[];
  readonly defaultExports: readonly number[];
  /** Lines by the name of what is used there: `console`, `requestAnimationFrame`, `Date.now`, `innerHTML`, … */
  readonly uses: ReadonlyMap<string, readonly number[]>;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Throws for text that is not TypeScript. */
export function moduleFacts(file: string, text: string): ModuleFacts {
  const { program, errors } = parseSync(file, text, { lang: file.endsWith('x') ? 'tsx' : 'ts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const imports: string[] = [];
  const blindImports: number[] = [];
  const defaultExports: number[] = [];
  const uses = new Map<string, number[]>();
  const lineOf = (node: Node): number => text.slice(0, node.start).split('\n').length;
  const use = (name: string, node: Node): void => {
    uses.set(name, [...(uses.get(name) ?? []), lineOf(node)]);
  };

  const visit = (node: Node): void => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
      case 'ImportExpression':
      case 'TSImportType':
      case 'TSExternalModuleReference': {
        const target = literal(node.source ?? node.argument ?? node.expression);
        if (target !== undefined) imports.push(target);
        else if (node.type === 'ImportExpression') blindImports.push(lineOf(node));
        break;
      }
      case 'NewExpression': {
        const target = urlBesideModule(node);
        if (target !== undefined) imports.push(target);
        break;
      }
      case 'ExportDefaultDeclaration':
        defaultExports.push(lineOf(node));
        break;
      case 'MemberExpression': {
        const object = name(node.object);
        const property = name(node.property);
        if (property !== undefined) use(property, node);
        if (object !== undefined && property !== undefined) use(`${object}.${property}`, node);
        break;
      }
      case 'Identifier':
      case 'JSXIdentifier':
        use(String(node.name), node);
        break;
    }
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child);
    }
  };
  visit(program as unknown as Node);
  return { imports, blindImports, defaultExports, uses };
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

function literal(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  return node.type === 'TSLiteralType' ? literal(node.literal) : undefined;
}

function name(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' ? String(node.name) : undefined;
}

function urlBesideModule(node: Node): string | undefined {
  const [target, base] = node.arguments as unknown[];
  if (name(node.callee) !== 'URL' || !isNode(base)) return undefined;
  return base.type === 'MemberExpression' && name(base.property) === 'url' ? literal(target) : undefined;
}
