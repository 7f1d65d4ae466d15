/** sucrase's parser, which the package has without declaring it: its tokens and scopes, before any transform. */
declare module 'sucrase/dist/esm/parser/index.js' {
  export { File, parse } from 'sucrase/dist/types/parser/index';
}
declare module 'sucrase/dist/esm/parser/tokenizer/types.js' {
  export { TokenType } from 'sucrase/dist/types/parser/tokenizer/types';
}
declare module 'sucrase/dist/esm/parser/tokenizer/keywords.js' {
  export { ContextualKeyword } from 'sucrase/dist/types/parser/tokenizer/keywords';
}
declare module 'sucrase/dist/esm/parser/tokenizer/index.js' {
  export { IdentifierRole, Token } from 'sucrase/dist/types/parser/tokenizer/index';
}
declare module 'sucrase/dist/esm/index.js' {
  export { transform } from 'sucrase/dist/types/index';
}
