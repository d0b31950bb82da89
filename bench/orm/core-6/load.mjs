/** Imports a package as it is installed in this folder. */
export const load = (name) => import(name);
