module reference

go 1.27

require probity.dev/sdk v0.1.0

replace probity.dev/sdk => ../../../sdk/go
