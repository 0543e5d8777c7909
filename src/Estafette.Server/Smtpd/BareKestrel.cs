using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Estafette.Smtpd;

/// <summary>
/// Kestrel with the services it registers for itself and nothing of the web host around it, which would bring routing, configuration and
/// request pipelines: memory and start time for nothing. Kestrel's own registration is used because its pool of pinned buffers comes only that way.
/// </summary>
internal sealed class BareKestrel : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IServer _server;

    public BareKestrel(Action<KestrelServerOptions> configure)
    {
        var registration = new Registration();
        registration.UseKestrelCore().ConfigureKestrel(configure);
        registration.Services.AddOptions();
        registration.Services.AddMetrics();
        registration.Services.AddSingleton<System.Diagnostics.DiagnosticSource>(_ => new System.Diagnostics.DiagnosticListener("Estafette"));
        registration.Services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        registration.Services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        _services = registration.Services.BuildServiceProvider();
        _server = _services.GetRequiredService<IServer>();
    }

    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(new NoHttp(), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>Takes what Kestrel registers; the rest of a web host's builder means nothing here.</summary>
    private sealed class Registration : IWebHostBuilder
    {
        public ServiceCollection Services { get; } = new();

        public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
        {
            configureServices(Services);
            return this;
        }

        public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices)
        {
            configureServices(new WebHostBuilderContext(), Services);
            return this;
        }

        public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => this;

        public string? GetSetting(string key) => null;

        public IWebHostBuilder UseSetting(string key, string? value) => this;

#pragma warning disable ASPDEPR008 // The interface still asks for the obsolete type; nobody calls this.
        public IWebHost Build() => throw new InvalidOperationException("only services are registered here");
#pragma warning restore ASPDEPR008
    }

    /// <summary>Every endpoint has a connection handler of its own, so no request of HTTP ever reaches an application.</summary>
    private sealed class NoHttp : IHttpApplication<object>
    {
        public object CreateContext(IFeatureCollection contextFeatures) => throw new InvalidOperationException("this server speaks no HTTP");

        public Task ProcessRequestAsync(object context) => throw new InvalidOperationException("this server speaks no HTTP");

        public void DisposeContext(object context, Exception? exception) { }
    }
}
