defmodule Station.Web.Page do
  @moduledoc "The page, put together when this is compiled: one file, nothing from elsewhere, and a policy that says so."

  @folder Path.expand("../../../priv", __DIR__)
  # Of the manifest, by ../graph.py; without a build around it there is nothing to draw.
  @graph_file System.get_env("STATION_GRAPH")
  if @graph_file, do: @external_resource(@graph_file)
  for name <- ~w(page.css page.js page.html), do: @external_resource(Path.join(@folder, name))
  @css File.read!(Path.join(@folder, "page.css"))
  @js File.read!(Path.join(@folder, "page.js"))
  @html File.read!(Path.join(@folder, "page.html"))
        |> String.replace("/*STYLE*/", @css)
        |> String.replace("/*SCRIPT*/", @js)
  @policy "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " <>
            "style-src 'sha256-#{Base.encode64(:crypto.hash(:sha256, @css))}'; " <>
            "script-src 'sha256-#{Base.encode64(:crypto.hash(:sha256, @js))}'"
  @graph if(@graph_file, do: File.read!(@graph_file), else: ~s({"domains":[],"edges":[]}))

  def html, do: @html
  def headers, do: [{"Content-Security-Policy", @policy}, {"Referrer-Policy", "no-referrer"}]
  def graph, do: @graph
end
