// Placeholder of the skeleton; the first real file replaces it.
