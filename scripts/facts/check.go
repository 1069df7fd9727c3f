package main

func check(a *api, served discovery, folder, samples string) error { return nil }
