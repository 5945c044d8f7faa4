import type { Node } from 'acorn';

/** A name that a function uses and does not declare. */
export interface FreeUse {
  readonly name: string;
}

export interface FreeNames {
  readonly uses: readonly FreeUse[];
  /** `this` or `super` of the surroundings. */
  readonly usesThis: boolean;
}

/** A syntax node seen as what it is to a walker: a type and anything else. */
interface Syntax extends Node {
  readonly [field: string]: unknown;
}

interface Scope {
  readonly names: Set<string>;
  readonly parent: Scope | null;
}

/**
 * The names that a function expression takes from around it. Scopes are those of the language: parameters and
 * `var` belong to the function, `let`, `const`, `class` and (in strict code) `function` to the block. An operand of
 * `typeof` does not count: asking whether something exists is how portable code is written.
 */
export function freeNames(root: Node): FreeNames {
  const walk = new Walk();
  walk.visit(root as Syntax, null, true);
  return { uses: [...walk.free].map((name) => ({ name })), usesThis: walk.usesThis };
}

class Walk {
  readonly free = new Set<string>();
  usesThis = false;

  /** @param outerThis whether `this` here is the surroundings' (nothing but arrow functions in between) */
  visit(node: Syntax, scope: Scope | null, outerThis: boolean): void {
    switch (node.type) {
      case 'FunctionExpression':
      case 'FunctionDeclaration':
      case 'ArrowFunctionExpression':
        this.#function(node, scope, outerThis);
        return;
      case 'ClassExpression':
      case 'ClassDeclaration':
        this.#class(node, scope, outerThis);
        return;
      case 'BlockStatement':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'SwitchStatement':
      case 'StaticBlock':
        this.#children(node, blockScope(node, scope), outerThis);
        return;
      case 'CatchClause': {
        const names = new Set<string>();
        if (isSyntax(node.param)) patternNames(node.param, names);
        this.#children(node, { names, parent: scope }, outerThis);
        return;
      }
      case 'Identifier':
        this.#use(String(node.name), scope);
        return;
      case 'ThisExpression':
      case 'Super':
        if (outerThis) this.usesThis = true;
        return;
      case 'MemberExpression':
        this.#field(node.object, scope, outerThis);
        if (node.computed === true) this.#field(node.property, scope, outerThis);
        return;
      case 'Property':
        if (node.computed === true) this.#field(node.key, scope, outerThis);
        this.#field(node.value, scope, outerThis);
        return;
      case 'UnaryExpression':
        if (node.operator === 'typeof' && isSyntax(node.argument) && node.argument.type === 'Identifier') return;
        this.#children(node, scope, outerThis);
        return;
      case 'MetaProperty':
        // new.target is a function's own; import.meta is a module's, which the text is not.
        if (isSyntax(node.meta) && node.meta.name === 'import') this.free.add('import.meta');
        return;
      case 'LabeledStatement':
        this.#field(node.body, scope, outerThis);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'Literal':
        return;
      default:
        this.#children(node, scope, outerThis);
    }
  }

  #function(node: Syntax, outer: Scope | null, outerThis: boolean): void {
    const arrow = node.type === 'ArrowFunctionExpression';
    const names = new Set<string>();
    if (node.type === 'FunctionExpression' && isSyntax(node.id)) names.add(String(node.id.name));
    if (!arrow) names.add('arguments');
    for (const param of list(node.params)) patternNames(param, names);
    if (isSyntax(node.body)) varNames(node.body, names);
    const scope: Scope = { names, parent: outer };
    const ownThis = arrow ? outerThis : this.#thisOfFunction(outer);
    for (const param of list(node.params)) this.visit(param, scope, ownThis);
    if (isSyntax(node.body)) this.visit(node.body, scope, ownThis);
  }

  /** An ordinary function has a `this` of its own, except the sent one itself: it is called without any. */
  #thisOfFunction(outer: Scope | null): boolean {
    return outer === null;
  }

  #class(node: Syntax, outer: Scope | null, outerThis: boolean): void {
    const names = new Set<string>();
    if (isSyntax(node.id)) names.add(String(node.id.name));
    const scope: Scope = { names, parent: outer };
    if (isSyntax(node.superClass)) this.visit(node.superClass, scope, outerThis);
    const body = isSyntax(node.body) ? list(node.body.body) : [];
    for (const member of body) {
      if (member.computed === true) this.#field(member.key, scope, outerThis);
      if (member.type === 'StaticBlock') this.visit(member, scope, false);
      else this.#field(member.value, scope, false);
    }
  }

  #children(node: Syntax, scope: Scope | null, outerThis: boolean): void {
    for (const value of Object.values(node)) this.#field(value, scope, outerThis);
  }

  #field(value: unknown, scope: Scope | null, outerThis: boolean): void {
    if (Array.isArray(value)) {
      for (const element of value) this.#field(element, scope, outerThis);
    } else if (isSyntax(value)) {
      this.visit(value, scope, outerThis);
    }
  }

  #use(name: string, scope: Scope | null): void {
    for (let at = scope; at !== null; at = at.parent) {
      if (at.names.has(name)) return;
    }
    this.free.add(name);
  }
}

/** A scope with what a block declares itself: `let`, `const`, `class`, `function`. */
function blockScope(node: Syntax, parent: Scope | null): Scope {
  const names = new Set<string>();
  const statements = [
    ...list(node.body),
    ...list(node.cases).flatMap((branch) => list(branch.consequent)),
    ...[node.init, node.left].filter(isSyntax),
  ];
  for (const statement of statements) declaredNames(statement, names);
  return { names, parent };
}

function declaredNames(node: Syntax, names: Set<string>): void {
  if (node.type === 'VariableDeclaration') {
    for (const declarator of list(node.declarations)) if (isSyntax(declarator.id)) patternNames(declarator.id, names);
  } else if ((node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') && isSyntax(node.id)) {
    names.add(String(node.id.name));
  }
}

/** Every `var` of a function's body, however deep in blocks, but not inside functions and classes of its own. */
function varNames(node: Syntax, names: Set<string>): void {
  if (node.type === 'VariableDeclaration' && node.kind === 'var') declaredNames(node, names);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isSyntax(child) && !/Function|Class/.test(child.type)) varNames(child, names);
    }
  }
}

/** The names that a pattern binds: `{a, b: [c = 1, ...d]}` binds a, c and d. */
function patternNames(node: Syntax, names: Set<string>): void {
  switch (node.type) {
    case 'Identifier':
      names.add(String(node.name));
      return;
    case 'ObjectPattern':
      for (const property of list(node.properties)) {
        const target = property.type === 'RestElement' ? property.argument : property.value;
        if (isSyntax(target)) patternNames(target, names);
      }
      return;
    case 'ArrayPattern':
      for (const element of list(node.elements)) patternNames(element, names);
      return;
    case 'AssignmentPattern':
      if (isSyntax(node.left)) patternNames(node.left, names);
      return;
    case 'RestElement':
      if (isSyntax(node.argument)) patternNames(node.argument, names);
      return;
    default:
  }
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function list(value: unknown): readonly Syntax[] {
  return Array.isArray(value) ? value.filter(isSyntax) : [];
}
