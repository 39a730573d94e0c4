"""Our bytes against those of the TypeScript kit (npm @metamask/smart-accounts-kit), on random inputs."""
