defmodule Plain.MixProject do
  use Mix.Project
  # A dependency in Erlang, in this project's folder.
  def project, do: [app: :plain, version: "1.0.0", language: :erlang, deps: []]
  def application, do: []
end
