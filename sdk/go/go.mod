module probity.dev/sdk

go 1.27
