declare const brand: unique symbol

/** A primitive that only its parser may produce. The brand exists at compile time alone. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
